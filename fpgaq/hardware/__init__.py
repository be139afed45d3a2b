"""From an integer network to hardware: lowering, schedule, text, estimate and synthesis."""
