print("pooled-echo")
