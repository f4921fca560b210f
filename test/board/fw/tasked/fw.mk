tasked.at := slot
