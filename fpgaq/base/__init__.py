"""What every room may use: errors, formats, data files, output folders, child processes, tools."""
