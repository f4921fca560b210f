/* What pack has written, for the linker. */
    .section .packed, "a", %progbits
    .incbin FILE
