#version 330 core
// A picture mixed, in linear light, into the one that is held; their sizes may differ.

uniform sampler2D held;     // linear light
uniform sampler2D picture;  // sRGB
uniform vec2 target_size;   // pixels; of the picture too
uniform float light;        // factor of the picture's values
uniform float share;        // of the picture, 0..1

layout(location = 0) out vec4 colour;

vec3 linear_light(vec3 c) {
    return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c));
}

void main() {
    vec4 asked = texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
    colour = mix(texture(held, gl_FragCoord.xy / target_size), vec4(linear_light(asked.rgb * light), asked.a), share);
}
