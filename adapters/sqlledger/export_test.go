package sqlledger

// BreakLog makes the next sync fail, as a failing disk does.
func (l *Ledger) BreakLog() error { return l.logFile.Close() }

// BreakFile does so for the main file.
func (l *Ledger) BreakFile() error { return l.mainFile.Close() }
