"""The embedded stack: a real Kafka and a real Triton as child processes of one command."""
