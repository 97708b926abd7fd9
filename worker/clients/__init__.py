"""Those who stand at the two ends of the topics: publish, tail, replay, and the topics themselves."""
