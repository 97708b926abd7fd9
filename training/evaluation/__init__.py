"""How good the model is, asked the way a sceptic would ask: scores, intervals, baselines and doubts."""
