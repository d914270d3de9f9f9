"""What runs the map and the reduce: processes of this machine, or Spark. Neither knows what it runs."""
