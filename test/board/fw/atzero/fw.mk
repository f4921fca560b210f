# The museum's simple application as CubeMX links it: at 0x08000000.
atzero.at := bare
atzero.src := test/board/fw/exhibit/main.c
