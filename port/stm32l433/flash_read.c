/* Flash as data: reading that survives double words which ECC cannot correct, CRC-32 by the CRC unit,
 * and the NMI that ECC raises. Used in the boot path and in the DFU world. */
#include "port/port.h"
#include "port/stm32l433/boot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include <string.h>

/* An uncorrectable double word is read as something and raises the NMI (RM0394 "Error code correction");
 * a power cut while programming leaves such words behind. Note where it was and go on: whoever reads,
 * asks. The other sources of NMI, the clock security system and SRAM2 parity, are put out likewise, and count
 * as unreadable flash: refusing an image costs less than trusting ECCR after such a cut. (That it may be
 * wrong then is said of this family; no document that says so could be read.) */
void NMI_Handler(void)
{
    uint32_t eccr = FLASH->ECCR;
    if (!boot_ecc)
        boot_ecc = FLASH_ADDR + (eccr & FLASH_ECCR_ADDR_ECC);
    FLASH->ECCR = eccr; /* ECCD and ECCC are cleared by the ones they read as */
    RCC->CICR = RCC_CICR_CSSC;
    uint32_t enabled = RCC->APB2ENR;
    RCC->APB2ENR = enabled | RCC_APB2ENR_SYSCFGEN;
    (void)RCC->APB2ENR;
    SYSCFG->CFGR2 |= SYSCFG_CFGR2_SPF;
    RCC->APB2ENR = enabled;
    __DSB(); /* the sources are down before the return, or the NMI comes again */
}

static void begin(void)
{
    boot_ecc = 0;
    __COMPILER_BARRIER(); /* the handler sees stores in their order anyway */
}

/* The NMI belongs to the last load at the latest when the pipeline is empty. */
static bool end(uint32_t *bad)
{
    __DSB();
    __ISB();
    /* A word that could be corrected leaves a flag, which would keep the address of the next error from being
     * noted (RM0394 "FLASH_ECCR") and is not for the application to find. */
    FLASH->ECCR = FLASH_ECCR_ECCC;
    uint32_t seen = boot_ecc;
    if (seen && bad)
        *bad = seen;
    return !seen;
}

bool port_flash_read(uint32_t addr, void *to, size_t size, uint32_t *bad)
{
    begin();
    memcpy(to, (const void *)addr, size);
    return end(bad);
}

/* zlib's CRC-32: bits of each input unit reversed, result reversed, ones' complement before and after
 * (RM0394 "CRC"). The unit is left as after reset. */
uint32_t port_crc(uint32_t crc, const void *data, size_t size)
{
    RCC->AHB1ENR = RCC_AHB1ENR_FLASHEN | RCC_AHB1ENR_CRCEN; /* there is no DMA; two cycles until it counts */
    (void)RCC->AHB1ENR;
    struct crc_regs *unit = CRC;
    PORT_BASE(unit);
    unit->INIT = __RBIT(~crc);
    unit->CR = CRC_CR_REV_OUT | CRC_CR_REV_IN_WORD | CRC_CR_RESET;
    /* The unit takes four cycles a word; loads in a row keep it busy. */
    const uint32_t *words = data;
    for (; size >= 16; size -= 16, words += 4) {
        uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
        unit->DR = a;
        unit->DR = b;
        unit->DR = c;
        unit->DR = d;
    }
    for (; size >= 4; size -= 4)
        unit->DR = *words++;
    const uint8_t *at = (const uint8_t *)words;
    unit->CR = CRC_CR_REV_OUT | CRC_CR_REV_IN_BYTE;
    for (; size > 0; size--)
        *(volatile uint8_t *)&unit->DR = *at++;
    crc = ~unit->DR;
    unit->INIT = 0xFFFFFFFF;
    unit->CR = CRC_CR_RESET;
    RCC->AHB1ENR = RCC_AHB1ENR_FLASHEN;
    return crc;
}

bool port_flash_crc(uint32_t addr, size_t size, uint32_t *crc, uint32_t *bad)
{
    begin();
    for (size_t n; size > 0; addr += n, size -= n) { /* no watchdog waits for all of it */
        n = size < 0x4000 ? size : 0x4000;
        *crc = port_crc(*crc, (const void *)addr, n);
        port_watchdog();
    }
    return end(bad);
}
