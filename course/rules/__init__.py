"""What every stored notebook keeps, whatever it teaches."""
