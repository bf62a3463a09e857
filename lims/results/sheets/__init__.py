"""The result sheet: one bilingual page a person, as a PDF by Typst and as a page to be printed."""
