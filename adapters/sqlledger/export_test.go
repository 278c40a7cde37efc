package sqlledger

// BreakLog makes the next sync fail, as a failing disk does.
func (l *Ledger) BreakLog() error { return l.logFile.Close() }
