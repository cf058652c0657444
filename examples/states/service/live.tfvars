service = "orders"
