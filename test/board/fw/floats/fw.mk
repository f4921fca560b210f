floats.at := slot
floats.kit := yes
