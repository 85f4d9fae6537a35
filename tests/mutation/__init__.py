"""Small wrong changes of the models, and whether the tests notice: `make mutate`."""
