"""The worker: one photo in from Kafka, one record out to Kafka, and nothing lost between."""
