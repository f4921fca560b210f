crasher.at := slot
crasher.kit := yes
