ÿFROM alpine
