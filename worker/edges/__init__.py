"""One file per outside system: Kafka, Triton, object stores, metrics, health, logs, the model card."""
