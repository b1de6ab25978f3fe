"""The jobs that listeners ask for, a module a provider."""
