"""The functions on AWS around the weekly job; they import nothing that is compiled, so their zips hold Python only."""
