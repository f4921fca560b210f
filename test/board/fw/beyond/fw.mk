beyond.at := slot
