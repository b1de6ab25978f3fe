"""The queue mover: events from one queue into another, each exactly once.

A source hands out batches, the same one until it is finished; a target takes a batch and the
position after it in one transaction. What was applied and not finished is recognised by the
position and skipped.
"""
