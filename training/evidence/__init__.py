"""How the tables of worker/prepare/evidence are made: from public data and reviewed decisions."""
