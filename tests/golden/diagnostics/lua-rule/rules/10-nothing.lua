-- What other rules use; it belongs to scripts/.
return { limit = 5 }
