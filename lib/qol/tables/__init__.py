"""Published tables: where their files lie, how one bucket or person is read, what a footer tells, what is damaged."""
