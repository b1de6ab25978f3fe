"""Flower looks and changes nothing: ``flower --conf=fundraising/flowerconfig.py``."""

read_only = True
natural_time = True
# All that it knows is in memory.
max_tasks = 10_000
max_workers = 100
purge_offline_workers = 300
