usbnow.at := slot
usbnow.startup :=
usbnow.src := port/stm32l433/usbfs_attach.c
