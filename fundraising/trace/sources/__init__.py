"""Where the timeline's lines come from, a module for each part of the system."""
