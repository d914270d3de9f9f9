# placeholder of the tests
