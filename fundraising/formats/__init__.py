"""How the admin writes dates: as logs do, so that the two can be compared at a glance."""
