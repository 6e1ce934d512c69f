"""What a person saw on public footage: the reference that counts of incidents are held against."""
