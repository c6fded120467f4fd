sluice_test(sfc table LIBS sluice_sfc)
sluice_test(sfc group LIBS sluice_sfc)
sluice_test(sfc ledger LIBS sluice_sfc)
