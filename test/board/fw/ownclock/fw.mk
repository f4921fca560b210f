ownclock.at := slot
