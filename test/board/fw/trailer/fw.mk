trailer.at := slot
