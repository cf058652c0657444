services = ["orders"]
