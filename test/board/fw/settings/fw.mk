settings.at := slot
