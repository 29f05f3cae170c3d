"""What measure_server.py and check_server.py share."""
