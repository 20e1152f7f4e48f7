FROM Alpine/Linux:x
