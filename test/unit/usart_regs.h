/* USART1-3 and LPUART1 as tests address them: RM0394 "USART registers". */
#ifndef TEST_USART_REGS_H
#define TEST_USART_REGS_H

#define USART1  0x40013800u
#define USART2  0x40004400u
#define USART3  0x40004800u
#define LPUART1 0x40008000u
enum {
    CR1 = 0,
    CR2 = 4,
    CR3 = 8,
    BRR = 12,
    GTPR = 16,
    RTOR = 0x14,
    RQR = 0x18,
    ISR = 0x1C,
    ICR = 0x20,
    RDR = 0x24,
    TDR = 0x28
};
/* CR1 */
enum { UE = 1, RE = 4, TE = 8, IDLEIE = 16, RXNEIE = 32, TCIE = 64, TXEIE = 128, PCE = 1 << 10, PS = 1 << 9 };
enum { M0 = 1 << 12, M1 = 1 << 28, OVER8 = 1 << 15, CMIE = 1 << 14, RTOIE = 1 << 26 };
/* CR2 */
enum {
    CPOL = 1 << 10,
    CLKEN = 1 << 11,
    STOP05 = 1 << 12,
    STOP15 = 3 << 12,
    SWAP = 1 << 15,
    RXINV = 1 << 16,
    TXINV = 1 << 17,
    ABREN = 1 << 20
};
/* CR3 */
enum { IREN = 2, IRLP = 4, HDSEL = 8, NACK = 16, SCEN = 32, ONEBIT = 1 << 11, SCARCNT = 17 };
/* ISR */
enum {
    PE = 1,
    FE = 2,
    NF = 4,
    ORE = 8,
    IDLE = 16,
    RXNE = 32,
    TC = 64,
    TXE = 128,
    LBDF = 1 << 8,
    CTSIF = 1 << 9,
    RTOF = 1 << 11,
    ABRE = 1 << 14,
    ABRF = 1 << 15,
    BUSY = 1 << 16,
    CMF = 1 << 17,
    SBKF = 1 << 18,
    RWU = 1 << 19,
    WUF = 1 << 20,
    TEACK = 1 << 21,
    REACK = 1 << 22
};

/* 16 MHz / 139 = 115108 baud: a bit lasts 8687500 ps, on all four */
#define BIT 8687500ull

#endif
