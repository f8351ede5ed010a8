/** Imported first, has what is imported next test `dialtrace/nats-v2`. */
process.env.DIALTRACE_TEST_NATS = "v2";
