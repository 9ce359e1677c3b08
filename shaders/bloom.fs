/*{
    "DESCRIPTION": "Bright places shine over into the dark around them, as in a lens.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Blur", "Glow"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "amount", "LABEL": "Amount", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "size", "LABEL": "Size", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "threshold", "LABEL": "From what brightness on", "TYPE": "float", "DEFAULT": 0.35, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "warmth", "LABEL": "Warmth", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "bright", "WIDTH": "floor($WIDTH/6)", "HEIGHT": "floor($HEIGHT/6)"},
        {"TARGET": "across", "WIDTH": "floor($WIDTH/12)", "HEIGHT": "floor($HEIGHT/12)", "FLOAT": true},
        {"TARGET": "shine", "WIDTH": "floor($WIDTH/12)", "HEIGHT": "floor($HEIGHT/12)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 80}
}*/

void main() {
    vec2 place = isf_FragNormCoord;
    if (PASSINDEX == 0) {
        // Four samples between them meet every pixel that this one stands for, so that thin lines do not flicker.
        vec2 reach = vec2(0.3) / RENDERSIZE;
        vec3 sum = IMG_NORM_PIXEL(inputImage, place + reach).rgb + IMG_NORM_PIXEL(inputImage, place - reach).rgb
                 + IMG_NORM_PIXEL(inputImage, place + vec2(reach.x, -reach.y)).rgb + IMG_NORM_PIXEL(inputImage, place + vec2(-reach.x, reach.y)).rgb;
        vec3 colour = sum * 0.25;
        float most = max(colour.r, max(colour.g, colour.b));
        gl_FragColor = vec4(colour * smoothstep(threshold * 0.6, threshold + 0.3, most), 1.0);
        return;
    }
    if (PASSINDEX < 3) {
        vec3 sum = vec3(0.0);
        float weights = 0.0;
        vec2 step = (PASSINDEX == 1 ? vec2(RENDERSIZE.y / RENDERSIZE.x, 0.0) : vec2(0.0, 1.0)) * mix(0.005, 0.024, size);
        for (int i = 0; i < 15; i++) {
            float t = float(i) - 7.0;
            float weight = exp(-0.09 * t * t) + 0.12 * exp(-0.025 * t * t);
            sum += weight * (PASSINDEX == 1 ? IMG_NORM_PIXEL(bright, place + step * t).rgb : IMG_NORM_PIXEL(across, place + step * t).rgb);
            weights += weight;
        }
        gl_FragColor = vec4(sum / weights, 1.0);
        return;
    }
    vec4 source = IMG_THIS_PIXEL(inputImage);
    vec3 light = IMG_NORM_PIXEL(shine, place).rgb * mix(vec3(0.75, 0.95, 1.25), vec3(1.25, 0.95, 0.72), warmth);
    light = clamp(light * (1.9 * amount), 0.0, 1.0);
    // Screened: it never burns out, and leaves what is bright as it is.
    vec3 colour = source.rgb + light * (1.0 - source.rgb);
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    gl_FragColor = vec4(colour + (dither - 0.5) / 255.0, max(source.a, max(light.r, max(light.g, light.b))));
}
