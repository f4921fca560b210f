/* The memories of the chip as bytes. Non-volatile: flash and system memory with their ECC bits, OTP,
 * option bytes. RM0394 "Memory map" and "Embedded Flash memory". */
#ifndef VBOARD_CHIP_MEMORY_H
#define VBOARD_CHIP_MEMORY_H

#include <stdint.h>

#define FLASH_BASE  0x08000000U
#define FLASH_SIZE  0x40000U
#define FLASH_PAGE  0x800U
#define FLASH_PAGES 128U
#define SRAM1_BASE  0x20000000U
#define SRAM1_SIZE  0xC000U
#define SRAM2_BASE  0x10000000U
#define SRAM2_SIZE  0x4000U
#define SRAM2_ALIAS (SRAM1_BASE + SRAM1_SIZE)
#define SRAM_SIZE   (SRAM1_SIZE + SRAM2_SIZE)
#define SYSMEM_BASE 0x1FFF0000U
#define SYSMEM_SIZE 0x7000U
#define OTP_BASE    0x1FFF7000U
#define OTP_SIZE    0x400U
#define ENGI_BASE   0x1FFF7400U /* engineering bytes: calibration, package, unique id, flash size */
#define ENGI_SIZE   0x400U
#define OPTION_BASE 0x1FFF7800U
#define OPTION_SIZE 0x28U

/* What survives without power. Cells erased: all ones, ECC bits included. */
struct chip_nvm {
    uint8_t flash[FLASH_SIZE];
    uint8_t flash_ecc[FLASH_SIZE / 8];
    uint8_t sysmem[SYSMEM_SIZE]; /* ROM: no ECC kept, never written by the chip */
    uint8_t otp[OTP_SIZE];
    uint8_t otp_ecc[OTP_SIZE / 8];
    uint8_t engineering[ENGI_SIZE];
    uint32_t option[OPTION_SIZE / 4]; /* five double words: value, complement */
};

struct chip_memory {
    uint8_t sram[SRAM_SIZE]; /* SRAM1, then SRAM2 */
    struct chip_nvm nvm;
};

#endif
