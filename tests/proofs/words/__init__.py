"""A queue on each instance, whose messages leave words in the database and pass words on."""
