"""Teachers: references, compatibility with the student, stored answers and soft targets."""
