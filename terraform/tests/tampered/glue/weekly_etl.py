# placeholder of the tests
changed
