# With its defaults in a page of their own: a gap lies before it.
holed.at := slot
holed.kit := yes
holed.cflags := -Wl,--section-start=.defaults=0x08005000
