package journey

// readMaps reads of which places there are pictures.
func (e *example) readMaps(v value) {
	for _, m := range v.members() {
		if e.maps == nil {
			e.maps = make(map[string]string)
		}
		e.maps[m.key] = m.value.text()
	}
}

// mapped is the Book with the pictures of an example.
func (b *Book) mapped(e *example) *Book {
	if e.maps == nil {
		return b
	}
	with := *b
	with.settings.Maps = e.maps
	return &with
}
