vtorback.at := slot
