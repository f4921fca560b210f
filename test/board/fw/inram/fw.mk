# The section goes to that address by itself, and is loaded there.
inram.cflags := -Wl,--section-start=.inram=0x20008000
