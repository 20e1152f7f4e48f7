FROM Busy//box
